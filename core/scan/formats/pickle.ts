/**
 * Reads pickles (protocols 0 to 5, as `pickletools` of CPython documents them) as descriptions. The machine has a stack and
 * a memo as Python's, but its opcodes only make records: GLOBAL names something, REDUCE notes that it would be called.
 * Nothing is imported and nothing runs, so a hostile pickle can at worst cost what `limits` allows.
 */
import type { ReadableFile } from '../file-layout.ts';
import { limits } from './limits.ts';
import { PickleCutShort, PickleMachine } from './pickle-machine.ts';
import { opcodes } from './pickle-opcodes.ts';
import type { PickleValue } from './pickle-values.ts';
import { contradiction } from './refusals.ts';

export interface Pickle {
  value: PickleValue;
  /** Where the byte after its STOP lies. */
  end: number;
  /** Names of everything that Python would import on loading it, called there or handed on to what calls it. */
  globals: string[];
}

/**
 * Interprets the pickle that starts at `start` of `bytes`.
 *
 * @param file only for the path in errors
 * @throws PickleCutShort where `bytes` end before its STOP; CairnError `bad_input` where it breaks its own rules, `unsupported` above a limit
 */
export function readPickle(file: Pick<ReadableFile, 'path'>, bytes: Uint8Array, start = 0): Pickle {
  const machine = new PickleMachine(file, bytes, start);
  for (let count = 0; machine.result === undefined; count++) {
    if (count >= limits.pickleOpcodes) throw machine.beyond(`more than ${limits.pickleOpcodes} opcodes`);
    const code = bytes[machine.skip(1)] as number;
    const opcode = opcodes[code];
    if (!opcode) throw machine.damaged(`has the unknown opcode 0x${code.toString(16)}`);
    opcode(machine);
  }
  return { value: machine.result, end: machine.at, globals: machine.globalNames() };
}

/** As `readPickle`, where the pickle is all there: an early end is a contradiction. */
export function readWholePickle(file: Pick<ReadableFile, 'path'>, bytes: Uint8Array): Pickle {
  try {
    return readPickle(file, bytes);
  } catch (thrown) {
    if (thrown instanceof PickleCutShort) throw contradiction(file, 'has a pickle that is cut short');
    throw thrown;
  }
}
