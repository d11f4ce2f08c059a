import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DevError } from './dev-error.js';
import { identify, isAlive, type ProcessId } from './process-id.js';
import type { Endpoints } from './endpoints.js';

/** What a supervisor says about itself in `<dataDir>/dev.json`, which is also its lock. */
export interface DevState {
  readonly phase: 'starting' | 'ready' | 'stopping';
  readonly supervisor: ProcessId;
  /** Whom it ends with. */
  readonly parent?: ProcessId | undefined;
  readonly children: readonly ProcessId[];
  /** Once ready. */
  readonly endpoints?: Endpoints;
}

/** Another supervisor lives on the same data directory. */
export class AlreadyRunsError extends DevError {
  constructor(readonly state: DevState) {
    super(`dev already runs (process ${state.supervisor.pid})`);
  }
}

export function stateFileOf(dataDir: string): string {
  return path.join(dataDir, 'dev.json');
}

/** What the file says, whether or not that supervisor still lives; undefined without a usable file. */
export function readState(dataDir: string): DevState | undefined {
  return parseFile(stateFileOf(dataDir));
}

/** Whether the supervisor lives and is there to stay. */
export function isRunning(state: DevState | undefined): state is DevState {
  return state !== undefined && isAlive(state.supervisor) && !isEnding(state);
}

/** Whether it stops, or is about to because the process it belongs to has ended. */
export function isEnding({ phase, parent }: DevState): boolean {
  return phase === 'stopping' || (parent !== undefined && !isAlive(parent));
}

/** The state file of this process, held from `claim` to `close`. */
export class StateFile {
  readonly #file: string;
  #state: DevState;

  private constructor(file: string, state: DevState) {
    this.#file = file;
    this.#state = state;
  }

  /**
   * Takes the data directory for this process; a file whose process has died is no obstacle.
   *
   * @returns also what the supervisor before us left behind, when it had no time to tidy up
   * @throws AlreadyRunsError when another supervisor lives
   */
  static claim(
    dataDir: string,
    parent: ProcessId | undefined,
  ): { own: StateFile; stale: DevState | undefined } {
    mkdirSync(dataDir, { recursive: true });
    const file = stateFileOf(dataDir);
    const supervisor = identify(process.pid) ?? { pid: process.pid, started: 'unknown' };
    const state: DevState = { phase: 'starting', supervisor, parent, children: [] };
    const draft = writeDraft(file, state);
    try {
      let stale: DevState | undefined;
      while (!tryLink(draft, file)) stale = setAside(file) ?? stale;
      return { own: new StateFile(file, state), stale };
    } finally {
      rmSync(draft, { force: true });
    }
  }

  update(change: Partial<DevState>): void {
    this.#state = { ...this.#state, ...change };
    renameSync(writeDraft(this.#file, this.#state), this.#file);
  }

  /** Remembers a process that would have to be ended if we were killed. */
  addChild(pid: number): void {
    const child = identify(pid);
    if (child) this.update({ children: [...this.#state.children.filter(isAlive), child] });
  }

  close(): void {
    rmSync(this.#file, { force: true });
  }
}

/** A name of its own for each process, renamed or linked when complete: nobody reads half a file. */
function writeDraft(file: string, state: DevState): string {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(state, undefined, 2)}\n`);
  return draft;
}

/** Unlike a rename, a link fails when the name is taken. */
function tryLink(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes the file of a dead supervisor and returns what it said. */
function setAside(file: string): DevState | undefined {
  const found = parseFile(file);
  if (found && isAlive(found.supervisor)) throw new AlreadyRunsError(found);
  const aside = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const moved = parseFile(aside);
    if (!moved || !isAlive(moved.supervisor)) return moved;
    // A rival was faster to replace the stale file: what we moved is its own.
    tryLink(aside, file);
    throw new AlreadyRunsError(moved);
  } finally {
    rmSync(aside, { force: true });
  }
}

function parseFile(file: string): DevState | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as DevState;
  } catch {
    return undefined;
  }
}
