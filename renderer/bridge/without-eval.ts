/** Must be imported before the contract: the content policy forbids making functions from text, which zod would try. */
import { z } from 'zod';

z.config({ jitless: true });
