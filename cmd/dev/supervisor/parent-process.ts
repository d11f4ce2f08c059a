import { identify, type ProcessId } from './process-id.js';
import type { Command, Report } from './protocol.js';

/** The process that started this supervisor with an IPC channel. */
export interface ParentProcess {
  /** Undefined when the parent process has already exited. */
  readonly id: ProcessId | undefined;
  send(report: Report): void;
  /** Calls `onExit` when the parent process exits before a `release` command. */
  listen(onCommand: (command: Command) => void, onExit: () => void): void;
  /** Closes the channel, which otherwise keeps this process alive. */
  close(): void;
}

/** Returns undefined when this process was started without an IPC channel. */
export function findParentProcess(): ParentProcess | undefined {
  if (process.send === undefined) return undefined;
  return {
    id: identify(process.ppid),
    send: (report) => {
      // A send fails only after the parent process has exited, and `listen` reports the exit.
      if (process.connected) process.send?.(report, undefined, {}, () => undefined);
    },
    listen: (onCommand, onExit) => {
      let released = false;
      process.on('message', (message) => {
        const command = message as Command;
        if (command.type === 'release') released = true;
        onCommand(command);
      });
      const onDisconnect = (): void => {
        if (!released) onExit();
      };
      process.once('disconnect', onDisconnect);
      // The parent process may have exited before the listener was added.
      if (!process.connected) onDisconnect();
    },
    close: () => {
      if (process.connected) process.disconnect();
    },
  };
}
