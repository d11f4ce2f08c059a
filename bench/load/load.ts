import { fork, type ChildProcess } from 'node:child_process';
import type { Scope } from '../../pkg/runtime/index.js';
import type { LoadEvent, LoadResult, LoadRun } from './load-run.js';

/** The process that generates the load. */
export class Load {
  readonly #child: ChildProcess;

  /** Closing `scope` ends the process. */
  constructor(scope: Scope) {
    const child = fork(new URL(import.meta.resolve('./load-process.js')), { serialization: 'advanced' });
    scope.defer(() => void child.kill());
    this.#child = child;
  }

  /** Calls `onWindow` at the start and at the end of the measured window. */
  run(run: LoadRun, onWindow: () => void): Promise<LoadResult> {
    return new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error('the load process has ended'));
      const onMessage = (event: LoadEvent): void => {
        if (event.kind === 'measuring' || event.kind === 'measured') return onWindow();
        this.#child.off('message', onMessage).off('exit', onExit);
        if (event.kind === 'done') resolve(event.result);
        else reject(new Error(`load: ${event.message}`));
      };
      this.#child.on('message', onMessage).once('exit', onExit).send(run);
    });
  }
}
