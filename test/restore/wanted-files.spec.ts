import { describe, expect, it } from 'vitest';
import { wantedFiles } from '../../core/restore/restore.ts';

const names = ['model.safetensors', 'shard[1].bin', 'shard1.bin', 'deep/model.safetensors'];
const wanted = (pattern: string | undefined): string[] => names.filter(wantedFiles(pattern));

describe('the files that a restore is asked for', () => {
  it('are all, without a pattern', () => expect(wanted(undefined)).toEqual(names));
  it('are those of a pattern, in one folder', () => expect(wanted('*.safetensors')).toEqual(['model.safetensors']));
  it('are those of a pattern through folders', () =>
    expect(wanted('**/*.safetensors')).toEqual(['model.safetensors', 'deep/model.safetensors']));
  it('are the one of that very name, brackets and all, beside what the name means as a pattern', () =>
    expect(wanted('shard[1].bin')).toEqual(['shard[1].bin', 'shard1.bin']));
});
