/**
 * What every connection needs on its receiving side: messages and the close are kept until somebody listens, in
 * order, and the close is told once.
 */
export class Mailbox {
  #waiting: unknown[] = [];
  #listener: ((message: unknown) => void) | undefined;
  #closed: { reason: string | undefined } | undefined;
  #closeListener: ((reason?: string) => void) | undefined;
  #closeTold = false;

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  listen(listener: (message: unknown) => void): void {
    this.#listener = listener;
    for (const message of this.#waiting.splice(0)) listener(message);
    this.#tellClose();
  }

  listenForClose(listener: (reason?: string) => void): void {
    this.#closeListener = listener;
    this.#tellClose();
  }

  deliver(message: unknown): void {
    if (this.#closed) return;
    if (this.#listener) this.#listener(message);
    else this.#waiting.push(message);
  }

  close(reason?: string): void {
    this.#closed ??= { reason };
    this.#tellClose();
  }

  #tellClose(): void {
    if (!this.#closed || !this.#closeListener || this.#closeTold || this.#waiting.length > 0) return;
    this.#closeTold = true;
    this.#closeListener(this.#closed.reason);
  }
}
