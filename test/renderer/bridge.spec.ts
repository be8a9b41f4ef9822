import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { socketAddress } from '../../renderer/bridge/connect.ts';
import { takeToken } from '../../renderer/bridge/token.ts';

function page(href: string, kept: string | null = null) {
  const store = new Map<string, string>(kept === null ? [] : [['cairn-token', kept]]);
  const shown: string[] = [];
  return {
    location: { href },
    history: { replaceState: (_state: unknown, _unused: string, url: string) => void shown.push(url) },
    sessionStorage: {
      getItem: (key: string) => store.get(key) ?? null,
      setItem: (key: string, value: string) => void store.set(key, value),
    },
    shown,
    store,
  };
}

describe('the token', () => {
  it('leaves the address bar, and the rest of the address stays', () => {
    const opened = page('http://127.0.0.1:4725/?token=s3cret&x=1#/run/abc');
    expect(takeToken(opened)).toBe('s3cret');
    expect(opened.shown).toEqual(['http://127.0.0.1:4725/?x=1#/run/abc']);
  });

  it('is there again after a reload', () => {
    const opened = page('http://127.0.0.1:4725/?token=s3cret');
    takeToken(opened);
    expect(takeToken(page('http://127.0.0.1:4725/', opened.store.get('cairn-token') ?? null))).toBe('s3cret');
  });

  it('a new one replaces the one that was kept', () => expect(takeToken(page('http://127.0.0.1:1/?token=new', 'old'))).toBe('new'));
  it('may be absent', () => expect(takeToken(page('http://127.0.0.1:1/'))).toBeUndefined());
});

describe('the socket', () => {
  it('is at the page’s own origin, whatever the page’s path', () => {
    expect(socketAddress('http://127.0.0.1:4725/#/run/x', 'a b&c')).toBe('ws://127.0.0.1:4725/connection?token=a+b%26c');
    expect(socketAddress('https://localhost/x/y?z', undefined)).toBe('wss://localhost/connection');
  });

  it('carries any token unchanged', () => {
    fc.assert(
      fc.property(fc.string(), (token) => {
        expect(new URL(socketAddress('http://127.0.0.1:1/', token)).searchParams.get('token')).toBe(token.toWellFormed());
      }),
    );
  });
});
