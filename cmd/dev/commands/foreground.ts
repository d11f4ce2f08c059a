import { Scope } from '../../../pkg/runtime/index.js';
import { startSupervisor, type Supervisor } from '../app.js';
import type { DevConfig } from '../config.js';
import { explain } from '../errors.js';
import { whenAborted } from '../supervisor/abort.js';
import { findParentProcess, type ParentProcess } from '../supervisor/parent-process.js';
import type { Command } from '../supervisor/protocol.js';
import { describeEndpoints } from '../terminal/endpoints.js';
import { print, printError } from '../terminal/output.js';

/** Abort reason of a requested stop. Every other abort reason is a failure. */
class StopRequest extends Error {}

/**
 * Runs every process until SIGINT, SIGTERM, SIGHUP or the exit of the parent process.
 * @returns the exit code
 */
export async function runInForeground(config: DevConfig): Promise<number> {
  const parent = findParentProcess();
  const stop = new AbortController();
  const scope = new Scope();
  let supervisor: Supervisor | undefined;
  handleStopRequests(stop, parent, (command) => {
    if (supervisor) void execute(command, supervisor, parent).catch((error: unknown) => stop.abort(error));
  });
  try {
    supervisor = await startSupervisor(config, scope, {
      parent: parent?.id,
      signal: stop.signal,
      onProgress: (message) => {
        report(message, parent);
        parent?.send({ type: 'progress', message });
      },
      onRestarted: (service, pid) => parent?.send({ type: 'restarted', service, pid }),
    });
    const { endpoints } = supervisor;
    report(`dev is running\n\n${await describeEndpoints(endpoints)}\n`, parent);
    parent?.send({ type: 'ready', pid: process.pid, addresses: endpoints.addresses });
    if (!parent) print('press Ctrl-C to stop dev');
    await whenAborted(stop.signal);
  } catch (error) {
    stop.abort(error);
  }
  return shutDown(scope, stop.signal.reason, parent);
}

function handleStopRequests(
  stop: AbortController,
  parent: ParentProcess | undefined,
  onCommand: (command: Command) => void,
): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => stop.abort(new StopRequest(signal)));
  process.on('uncaughtException', (error) => {
    if (stop.signal.aborted) printError(explain(error));
    stop.abort(error);
  });
  parent?.listen(onCommand, () => stop.abort(new StopRequest('the parent process has exited')));
}

async function execute(
  command: Command,
  supervisor: Supervisor,
  parent: ParentProcess | undefined,
): Promise<void> {
  if (command.type === 'release') {
    supervisor.release();
    parent?.close();
    return;
  }
  const pid = await supervisor.kill(command.service);
  parent?.send({ type: 'killed', service: command.service, pid });
}

/** Prints a message. With a parent process, the output is a log file, so the message gets a timestamp. */
function report(text: string, parent: ParentProcess | undefined): void {
  print(parent ? `${new Date().toISOString()} ${text}` : text);
}

async function shutDown(scope: Scope, reason: unknown, parent: ParentProcess | undefined): Promise<number> {
  const failed = !(reason instanceof StopRequest);
  if (failed) {
    printError(explain(reason));
    parent?.send({ type: 'failed', message: explain(reason) });
  } else report(`stopping (${reason.message})`, parent);
  try {
    await scope.close();
  } catch (error) {
    printError(explain(error));
    return 1;
  } finally {
    parent?.close();
  }
  if (!failed) report('stopped', parent);
  return failed ? 1 : 0;
}
