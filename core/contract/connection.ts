/** One end of a channel that carries protocol messages in order. Implemented by port, socket and in-process pair. */
export interface Connection {
  send(message: unknown): void;
  /** Messages as they arrive, unchecked. One listener. */
  onMessage(listener: (message: unknown) => void): void;
  /** Called once, with the reason where the other end gave one. */
  onClose(listener: (reason?: string) => void): void;
  close(reason?: string): void;
}
