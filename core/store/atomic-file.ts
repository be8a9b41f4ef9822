/** Writes a small file whole: a reader sees nothing of it, or all of it. */
import type { Backend } from './backends/backend.ts';

/**
 * Writes bytes under `temporary/`, syncs, and publishes them as `name`.
 *
 * @throws CairnError `exists` where the name is taken, `no_space`, `denied` or `io`; nothing is left behind then.
 */
export async function writeAtomically(backend: Backend, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = await backend.createTemporary();
  try {
    await backend.writeAt(temporary, 0, bytes);
    await backend.publish(temporary, name);
  } catch (thrown) {
    // The first failure is the one to report; what can't be removed now, the next writer removes.
    await backend.remove(temporary).catch(() => {});
    throw thrown;
  }
}
