/**
 * Everything that can be done, as a list: the palette searches it, the keyboard runs it and the help prints it. The
 * shell registers what is always there, each view what it adds.
 */
import { onMount } from 'svelte';
import { text } from '../ui/text.ts';
import { preferences } from './preferences.svelte.ts';

export interface Command {
  id: string;
  title: string;
  group: string;
  /** "mod+k", "?", "a", or two keys one after the other: "g l". */
  keys?: string;
  disabled?: boolean;
  /** For what is on or off, whether it is on. */
  checked?: boolean;
  run(): void;
}

type Provider = () => readonly Command[];

class Commands {
  #providers = $state.raw<readonly Provider[]>([]);
  readonly list = $derived(this.#providers.flatMap((provider) => provider()));
  #prefix = '';
  #prefixTime = 0;

  /** What can be done on the page that is open. */
  here(): Command[] {
    return this.list.filter(({ group }) => group === text.palette.groups.here);
  }

  /** Adds what the provider lists; it is asked again whenever what it read changes. Returns what takes it away. */
  register(provider: Provider): () => void {
    this.#providers = [...this.#providers, provider];
    return () => void (this.#providers = this.#providers.filter((other) => other !== provider));
  }

  /** Runs the command whose keys were pressed; true where there was one. */
  press(event: KeyboardEvent): boolean {
    const key = keyOf(event);
    const typing = isTyping(event.target);
    if (key === undefined || (!key.startsWith('mod+') && (typing || !preferences.singleKeys))) return false;
    const sequence = event.timeStamp - this.#prefixTime < 1200 && this.#prefix !== '' ? `${this.#prefix} ${key}` : key;
    const found = this.list.find((command) => !command.disabled && command.keys === sequence);
    this.#prefix = found ? '' : key;
    this.#prefixTime = event.timeStamp;
    found?.run();
    return found !== undefined;
  }
}

/** How a key press is written in `Command.keys`. */
export function keyOf(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>): string | undefined {
  if (event.altKey || ['Control', 'Meta', 'Shift', 'Alt'].includes(event.key)) return undefined;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return event.ctrlKey || event.metaKey ? `mod+${key}` : key;
}

/** Where letters go into a field, or choose in a list. Switches and check boxes take none. */
function isTyping(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return !['radio', 'checkbox', 'button'].includes(target.type);
  return target instanceof HTMLElement && (target.isContentEditable || ['TEXTAREA', 'SELECT'].includes(target.tagName));
}

export const commands = new Commands();

/** Registers a component's commands for as long as it lives. */
export function useCommands(provider: Provider): void {
  onMount(() => commands.register(provider));
}
