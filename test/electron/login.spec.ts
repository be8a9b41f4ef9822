import { expect, it } from 'vitest';
import { autostartFile, autostartText } from '../../electron/login.ts';

it('the file that desktops start from names the program whatever is in its path', () => {
  expect(autostartFile('/home/a/.config')).toBe('/home/a/.config/autostart/cairn.desktop');
  expect(autostartText('/opt/Cairn/cairn')).toContain('\nExec="/opt/Cairn/cairn" --hidden\n');
  expect(autostartText('/a "b" $c `d` 100%')).toContain('\nExec="/a \\\\"b\\\\" \\\\$c \\\\`d\\\\` 100%%" --hidden\n');
});
