import { Scope } from '../../pkg/runtime/scope.js';
import { untilAborted } from './abort.js';
import { startSupervisor, type Supervisor } from './app.js';
import type { DevConfig } from './config.js';
import { explain } from './dev-error.js';
import { addressTable } from './endpoints.js';
import { findParent, type Parent } from './parent.js';
import type { Command } from './protocol.js';
import { print, printProblem } from './terminal.js';

/** Why a supervisor ends without anything being wrong. */
class StopRequest extends Error {}

/**
 * Runs everything until SIGINT, SIGTERM, SIGHUP or the end of the process that we belong to.
 * @returns the exit code
 */
export async function supervise(config: DevConfig): Promise<number> {
  const parent = findParent();
  const ending = new AbortController();
  const scope = new Scope();
  let supervisor: Supervisor | undefined;
  listenForTheEnd(ending, parent, (command) => {
    if (supervisor) void obey(command, supervisor, parent).catch((error: unknown) => ending.abort(error));
  });
  try {
    supervisor = await startSupervisor(config, scope, {
      parent: parent?.id,
      signal: ending.signal,
      onProgress: (message) => {
        say(message, parent);
        parent?.send({ type: 'progress', message });
      },
      onRestarted: (service, pid) => parent?.send({ type: 'restarted', service, pid }),
    });
    const { endpoints } = supervisor;
    say(`everything runs\n\n${addressTable(endpoints)}\n`, parent);
    parent?.send({ type: 'ready', pid: process.pid, addresses: endpoints.addresses });
    if (!parent) print('Ctrl-C stops it');
    await untilAborted(ending.signal);
  } catch (error) {
    ending.abort(error);
  }
  return finish(scope, ending.signal.reason, parent);
}

function listenForTheEnd(
  ending: AbortController,
  parent: Parent | undefined,
  onCommand: (command: Command) => void,
): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => ending.abort(new StopRequest(signal)));
  process.on('uncaughtException', (error) => {
    if (ending.signal.aborted) printProblem(explain(error));
    ending.abort(error);
  });
  parent?.listen(onCommand, () => ending.abort(new StopRequest('the process that started dev has ended')));
}

async function obey(command: Command, supervisor: Supervisor, parent: Parent | undefined): Promise<void> {
  if (command.type === 'release') {
    supervisor.release();
    parent?.close();
    return;
  }
  const pid = await supervisor.kill(command.service);
  parent?.send({ type: 'killed', service: command.service, pid });
}

/** For people; with the time when it goes to a log. */
function say(text: string, parent: Parent | undefined): void {
  print(parent ? `${new Date().toISOString()} ${text}` : text);
}

async function finish(scope: Scope, reason: unknown, parent: Parent | undefined): Promise<number> {
  const failed = !(reason instanceof StopRequest);
  if (failed) {
    printProblem(explain(reason));
    parent?.send({ type: 'failed', message: explain(reason) });
  } else say(`stopping (${reason.message})`, parent);
  try {
    await scope.close();
  } catch (error) {
    printProblem(explain(error));
    return 1;
  } finally {
    parent?.close();
  }
  if (!failed) say('stopped', parent);
  return failed ? 1 : 0;
}
