import { open } from 'node:fs/promises';

/** Makes the names in a folder durable. Windows can't sync a folder and needn't: its rename is journalled. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
