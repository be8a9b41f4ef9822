/** The run that Cairn makes to be tried with: found, archived and given back like any other, and the same every time. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { scan } from '../../core/scan/scanner.ts';
import { writeSampleChain } from '../../core/service/sample-chain.ts';

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'cairn-sample-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

const sumOf = (run: string): string => {
  const sum = createHash('sha256');
  for (const name of readdirSync(run, { recursive: true, encoding: 'utf8' }).sort())
    if (/\.(json|safetensors)$/.test(name)) sum.update(`${name}\0`).update(readFileSync(path.join(run, name)));
  return sum.digest('hex');
};

it('is recognised with its steps and its loss, and is the same every time', async () => {
  const [one, other] = [path.join(folder(), 'sample-run'), path.join(folder(), 'sample-run')];
  await writeSampleChain(one);
  await writeSampleChain(other);
  expect(sumOf(one)).toBe(sumOf(other));
  const { runs, findings } = await scan([path.dirname(one)]);
  expect(findings).toEqual([]);
  expect(runs).toHaveLength(1);
  expect(runs[0]!.layout).toBe('hf-trainer');
  expect(runs[0]!.checkpoints.map(({ step, state }) => [step, state])).toEqual(
    [100, 200, 300, 400, 500, 600].map((step) => [step, 'complete']),
  );
});

it('is left as it is where it is there, and written anew where it was cut off', async () => {
  const run = path.join(folder(), 'sample-run');
  await writeSampleChain(run);
  const whole = sumOf(run);
  rmSync(path.join(run, 'checkpoint-600'), { recursive: true });
  await writeSampleChain(run);
  expect(sumOf(run)).toBe(whole);
});
