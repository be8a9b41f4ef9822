/** Names that a target can't hold are refused before anything is restored, whatever system the tests run on. */
import { describe, expect, it } from 'vitest';
import { assertNameable, ignoresCase, windowsObjection } from '../../core/restore/names.ts';

const refusal = (entries: string[], rules: { ignoresCase?: boolean; isWindows?: boolean }): string | undefined => {
  try {
    assertNameable(entries, { ignoresCase: false, isWindows: false, ...rules });
    return undefined;
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'unsupported' });
    return (thrown as Error).message;
  }
};

describe('a file system that ignores case', () => {
  it.each([
    [['model.bin', 'Model.bin'], /^Model\.bin and model\.bin: /],
    [['a/weights', 'A/optimizer'], /^A and a: /],
    [['é.bin', 'e\u0301.bin'], /: the target's file system takes them for one/],
    [['x/STRASSE', 'x/strasse'], /^x\/strasse and x\/STRASSE: /],
  ])('%j is refused there', (entries, message) => {
    expect(refusal(entries, { ignoresCase: true })).toMatch(message);
    expect(refusal(entries, {})).toBeUndefined();
  });

  it('names that differ otherwise are not', () => {
    expect(refusal(['a/b', 'a/c', 'a/b.bin', 'ab'], { ignoresCase: true })).toBeUndefined();
  });

  it('is known by asking for a name of it in other letters', async () => {
    const there = (names: string[], fold: boolean) => (place: string) =>
      Promise.resolve(names.some((name) => (fold ? name.toLowerCase() === place.toLowerCase() : name === place)));
    const staging = '/t/.cairn-restore-12ab';
    expect(await ignoresCase(staging, there([staging], true))).toBe(true);
    expect(await ignoresCase(staging, there([staging], false))).toBe(false);
  });
});

describe('Windows', () => {
  it.each([
    'CON',
    'con .txt',
    'CONIN$',
    'conout$',
    'nul',
    'aux.txt',
    'COM1',
    'lpt9.bin',
    'com²',
    'a:b',
    'a"b',
    'a<b',
    'a|b',
    'a?',
    'a*',
    'a\\b',
    'tab\t',
    'end.',
    'end ',
  ])('refuses %j', (name) => {
    expect(windowsObjection(name)).toBeDefined();
    expect(refusal([`step-1/${name}`], { isWindows: true })).toContain('Windows refuses it');
    expect(refusal([`step-1/${name}`], {})).toBeUndefined();
  });

  it.each(['model.safetensors', 'console', 'com10', '.hidden', 'nullable.bin', 'a b', 'ü', '重み'])('takes %j', (name) => {
    expect(windowsObjection(name)).toBeUndefined();
  });
});
