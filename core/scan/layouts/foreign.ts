/** Folders that belong to other tools: no place to look for runs. */

const caches: Record<string, string> = { wandb: 'Weights & Biases', '.wandb': 'Weights & Biases' };
const machinery = new Set(['.git', '.hg', '.svn', 'node_modules', '__pycache__', '.venv', '.ipynb_checkpoints', '.Trash', '$RECYCLE.BIN']);
const huggingFaceCaches = new Set(['hub', 'xet', 'datasets']);

/** What a folder of this name in a folder of that name belongs to; `tool` where the user should hear of it. */
export function foreignFolder(parentName: string, name: string): { tool?: string } | undefined {
  // Folders of a restore or a release under way, or cut off: copies of what is elsewhere.
  if (machinery.has(name) || name.startsWith('.cairn-restore-') || name.startsWith('.cairn-releasing-')) return {};
  const tool = caches[name];
  if (tool !== undefined) return { tool };
  const ofHub = parentName === 'huggingface' && huggingFaceCaches.has(name);
  if (ofHub || /^(models|datasets|spaces)--./.test(name)) return { tool: 'Hugging Face' };
  return undefined;
}
