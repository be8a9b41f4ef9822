/**
 * The service inside Electron's utility process. The shell starts this file with home and store as arguments and
 * sends it ports: one for each window. Electron's own module is not needed here, only the port to the parent that it puts on
 * `process`.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { cairnHome } from '../catalogue/home.ts';
import { portConnection, type Port } from '../contract/connections/port.ts';
import { toFailure, type Failure } from '../contract/errors.ts';
import { Service } from '../service/service.ts';

/** What the shell sends: a port of its own with the word `connect`, what the machine runs on, or `close` before it quits. */
interface FromShell {
  data: unknown;
  ports: Port[];
}

/** What the shell hears: that connections are served, that it could not start, a line for its log, that all is closed. */
export type ToShell =
  { state: 'ready' } | { state: 'failed'; error: Failure } | { state: 'problem'; message: string } | { state: 'closed' };

const powerMessage = z.object({ power: z.object({ onBattery: z.boolean() }) });

interface ParentPort {
  on(event: 'message', listener: (message: FromShell) => void): void;
  postMessage(message: ToShell): void;
}

function openService(tell: (message: ToShell) => void): Promise<Service> {
  const { values } = parseArgs({ options: { home: { type: 'string' }, store: { type: 'string' } }, allowPositionals: true, strict: false });
  const home = path.resolve(typeof values.home === 'string' ? values.home : cairnHome());
  const store = typeof values.store === 'string' ? values.store : process.env['CAIRN_STORE'] || path.join(home, 'store');
  const onProblem = (message: string): void => tell({ state: 'problem', message });
  return Service.open({ home, storePath: path.resolve(store), host: 'desktop', stays: true, isKeptAwake: true, onProblem });
}

/** Serves what the parent sends. Ports that arrive before the service is open wait for it. */
function run(parent: ParentPort): void {
  const tell = (message: ToShell): void => parent.postMessage(message);
  const opening = openService(tell);
  opening.then(
    () => tell({ state: 'ready' }),
    (thrown: unknown) => tell({ state: 'failed', error: toFailure(thrown) }),
  );
  const close = async (): Promise<void> => {
    await (await opening).close();
    tell({ state: 'closed' });
  };
  parent.on('message', ({ data, ports }) => {
    const power = powerMessage.safeParse(data).data?.power;
    const work = power
      ? opening.then((service) => service.tellPower(power))
      : data === 'close'
        ? close()
        : opening.then((service) => ports.forEach((port) => service.serve(portConnection(port))));
    work.catch(() => undefined); // a service that did not open was told of above
  });
}

const { parentPort } = process as { parentPort?: ParentPort };
if (parentPort) run(parentPort);
