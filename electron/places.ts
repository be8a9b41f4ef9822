/** Where the shell finds what it loads: in dist/ beside its own bundle, and in the sources when it runs from them. */
import { fileURLToPath } from 'node:url';

const fromSources = import.meta.url.endsWith('.ts');
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export const rendererFolder = here(fromSources ? '../dist/renderer' : './renderer');
export const preloadFile = here(fromSources ? './preload.ts' : './preload.cjs');
export const serviceFile = here(fromSources ? '../core/host/utility.ts' : './service-process.js');
