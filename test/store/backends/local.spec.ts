import { describeBackend } from '../backend-suite.ts';
import { LocalBackend } from '../../../core/store/backends/local.ts';
import { temporaryFolder } from '../examples.ts';

describeBackend('local', async () => new LocalBackend(`${await temporaryFolder()}/store`));
