/**
 * The seat of a home: of several services that stay (the desktop, `cairn serve`, a unit of systemd) one has it, evaluates schedules and
 * goes on with jobs that others left. The others serve their windows and take it over as soon as it is free. Kept in `service.json`;
 * changes are made under the write lock of the catalogue that they share.
 */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { readHomeFile, writeHomeFile } from '../catalogue/home-file.ts';
import { lives, ownerSchema, thisOwner, type Owner } from '../jobs/owner.ts';

const content = z.looseObject({ owner: ownerSchema.optional(), service: z.string().optional(), seenMs: z.number().default(0) });
/** Of a service on another machine only this tells that it lives. */
const noteMs = 60_000;

export class Seat {
  readonly #path: string;
  readonly #catalogue: Catalogue;
  readonly #own: Owner = thisOwner();
  /** Tells services of one process apart. */
  readonly #service: string;
  #notedMs = -Infinity;
  #has = false;

  constructor(home: string, catalogue: Catalogue, service: string) {
    this.#path = path.join(home, 'service.json');
    this.#catalogue = catalogue;
    this.#service = service;
  }

  /** Whether this service has it, which it takes where it is free. @throws CairnError `bad_input`, `denied`, `no_space`, `io` */
  take(nowMs: number): boolean {
    if (this.#has && Math.abs(nowMs - this.#notedMs) < noteMs) return true;
    return this.#catalogue.exclusively(() => {
      const { owner, service, seenMs } = readHomeFile(this.#path, content);
      const isOwn = service === this.#service;
      if (owner && !isOwn && lives({ owner, keptAtMs: seenMs }, nowMs)) return (this.#has = false);
      writeHomeFile(this.#path, { owner: this.#own, service: this.#service, seenMs: nowMs });
      this.#notedMs = nowMs;
      return (this.#has = true);
    });
  }

  /** Whether a service of another process has it. */
  isTaken(nowMs: number): boolean {
    const { owner, seenMs } = readHomeFile(this.#path, content);
    return owner !== undefined && lives({ owner, keptAtMs: seenMs }, nowMs);
  }

  /** Frees it for the next. */
  leave(): void {
    if (!this.#has) return;
    this.#has = false;
    this.#catalogue.exclusively(() => {
      if (readHomeFile(this.#path, content).service === this.#service) rmSync(this.#path, { force: true });
    });
  }
}
