/** `cairn serve`: the interface in a browser, on the loopback only. */
import { hostname } from 'node:os';
import type { Command } from 'commander';
import { startServer } from '../../server.ts';
import { wholeNumber } from '../arguments.ts';
import type { Actions } from '../actions.ts';
import { exitCodes, type Session } from '../session.ts';

const defaultPort = 4725;

export function addServe(root: Command, actions: Actions): void {
  const command = root
    .command('serve')
    .description('serve the interface on 127.0.0.1, with a token in its address')
    .option('--port <number>', 'where to listen; 0 takes any free port', wholeNumber(0, 65535), defaultPort);
  command.action(({ port }: { port: number }) => actions.run(command, (session) => serve(session, port), true));
}

async function serve({ service, out, interrupt }: Session, port: number): Promise<number> {
  const server = await startServer({ serve: (connection) => service.serve(connection), port });
  out.line(`Cairn is at ${server.url}`);
  out.line(
    `From another machine: ssh -L ${server.port}:127.0.0.1:${server.port} ${hostname()}, then open the same address there. Ctrl+C ends it.`,
  );
  out.record('listening', { url: server.url, port: server.port });
  if (!interrupt.aborted) await new Promise((resolve) => interrupt.addEventListener('abort', resolve));
  await server.close();
  return exitCodes.interrupted;
}
