import { identify, type ProcessId } from './process-id.js';
import type { Command, Report } from './protocol.js';

/** The process that started this supervisor and wants to be told. */
export interface Parent {
  /** Undefined when it has ended already. */
  readonly id: ProcessId | undefined;
  send(report: Report): void;
  /** Hears commands; `onGone` is called when the parent ends without having released us. */
  listen(onCommand: (command: Command) => void, onGone: () => void): void;
  /** Closes the channel, so that it does not keep this process alive. */
  close(): void;
}

/** Undefined when nobody opened a channel to this process. */
export function findParent(): Parent | undefined {
  if (process.send === undefined) return undefined;
  return {
    id: identify(process.ppid),
    send: (report) => {
      // A parent that is gone hears nothing; that it is gone, `listen` tells.
      if (process.connected) process.send?.(report, undefined, {}, () => undefined);
    },
    listen: (onCommand, onGone) => {
      let released = false;
      process.on('message', (message) => {
        const command = message as Command;
        if (command.type === 'release') released = true;
        onCommand(command);
      });
      const gone = (): void => {
        if (!released) onGone();
      };
      process.once('disconnect', gone);
      // It may have ended before we listened.
      if (!process.connected) gone();
    },
    close: () => {
      if (process.connected) process.disconnect();
    },
  };
}
