/** Where the window was, kept in a file of the profile and believed only as far as the screens of today show it. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { screen, type BrowserWindow, type Rectangle } from 'electron';
import { z } from 'zod';

export const leastSize = { width: 900, height: 560 };
const usualSize = { width: 1280, height: 820 };
/** So much of the window must lie on a screen that it can be grasped. */
const graspPixels = 120;

const pixels = z.number().int().min(-100_000).max(100_000);
const windowState = z.object({ x: pixels, y: pixels, width: pixels.positive(), height: pixels.positive(), maximized: z.boolean() });
type WindowState = z.infer<typeof windowState>;

export interface Placement {
  bounds: Partial<Rectangle> & { width: number; height: number };
  maximized: boolean;
}

function overlap(from: number, length: number, otherFrom: number, otherLength: number): number {
  return Math.min(from + length, otherFrom + otherLength) - Math.max(from, otherFrom);
}

function isGraspable(state: WindowState): boolean {
  return screen
    .getAllDisplays()
    .some(
      ({ workArea }) =>
        overlap(state.x, state.width, workArea.x, workArea.width) >= graspPixels &&
        overlap(state.y, state.height, workArea.y, workArea.height) >= graspPixels,
    );
}

function read(file: string): WindowState | undefined {
  try {
    return windowState.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined; // the first start, or a file that somebody changed: the usual place is as good
  }
}

/** The place of the next window. Call it once the application is ready. */
export function readPlacement(file: string): Placement {
  const state = read(file);
  if (!state || !isGraspable(state)) return { bounds: usualSize, maximized: state?.maximized ?? false };
  const { x, y, width, height, maximized } = state;
  return { bounds: { x, y, width: Math.max(width, leastSize.width), height: Math.max(height, leastSize.height) }, maximized };
}

/** Keeps the place of a window that is about to close. A profile that can't be written costs only this. */
export function keepPlacement(file: string, window: BrowserWindow): void {
  const state: WindowState = { ...window.getNormalBounds(), maximized: window.isMaximized() };
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, JSON.stringify(state));
    renameSync(`${file}.new`, file);
  } catch (thrown) {
    process.stderr.write(`cairn: the place of the window was not kept: ${(thrown as Error).message}\n`);
  }
}
