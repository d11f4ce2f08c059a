import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DevError } from '../errors.js';
import type { Endpoints } from '../terminal/endpoints.js';
import { identify, isAlive, type ProcessId } from './process-id.js';

/** Content of `<dataDir>/dev.json`, which is also the lock of the data directory. */
export interface DevState {
  readonly phase: 'starting' | 'ready' | 'stopping';
  readonly supervisor: ProcessId;
  /** The supervisor stops when this process exits. */
  readonly parent?: ProcessId | undefined;
  readonly children: readonly ProcessId[];
  /** Undefined in phase `starting`. */
  readonly endpoints?: Endpoints;
}

/** A live supervisor already uses the data directory. */
export class AlreadyRunningError extends DevError {
  constructor(readonly state: DevState) {
    super(`dev is already running (process ${state.supervisor.pid})`);
  }
}

export function stateFileOf(dataDir: string): string {
  return path.join(dataDir, 'dev.json');
}

/**
 * Returns the state of the last supervisor, which may have exited.
 * Returns undefined when the file is missing or unreadable.
 */
export function readState(dataDir: string): DevState | undefined {
  return parseFile(stateFileOf(dataDir));
}

/** Returns true when the supervisor is alive and is not stopping. */
export function isRunning(state: DevState | undefined): state is DevState {
  return state !== undefined && isAlive(state.supervisor) && !isStopping(state);
}

/** Returns true when the supervisor is stopping or will stop because its parent process has exited. */
export function isStopping({ phase, parent }: DevState): boolean {
  return phase === 'stopping' || (parent !== undefined && !isAlive(parent));
}

/** The state file of this process. The file locks the data directory from `acquire` to `close`. */
export class StateFile {
  readonly #file: string;
  #state: DevState;

  private constructor(file: string, state: DevState) {
    this.#file = file;
    this.#state = state;
  }

  /**
   * Locks the data directory for this process and replaces the state file of a dead supervisor.
   *
   * @returns the new state file, and the content of the replaced file as `staleState`
   * @throws AlreadyRunningError
   */
  static acquire(
    dataDir: string,
    parent: ProcessId | undefined,
  ): { stateFile: StateFile; staleState: DevState | undefined } {
    mkdirSync(dataDir, { recursive: true });
    const file = stateFileOf(dataDir);
    const supervisor = identify(process.pid) ?? { pid: process.pid, started: 'unknown' };
    const state: DevState = { phase: 'starting', supervisor, parent, children: [] };
    const draft = writeDraft(file, state);
    try {
      let staleState: DevState | undefined;
      while (!tryLink(draft, file)) staleState = removeStale(file) ?? staleState;
      return { stateFile: new StateFile(file, state), staleState };
    } finally {
      rmSync(draft, { force: true });
    }
  }

  update(changes: Partial<DevState>): void {
    this.#state = { ...this.#state, ...changes };
    renameSync(writeDraft(this.#file, this.#state), this.#file);
  }

  /** Records a child process, so that `dev` can find the process after this supervisor is killed. */
  addChild(pid: number): void {
    const child = identify(pid);
    if (child) this.update({ children: [...this.#state.children.filter(isAlive), child] });
  }

  close(): void {
    rmSync(this.#file, { force: true });
  }
}

/**
 * Writes the state to a draft file. The caller then renames or links the complete draft to the state
 * file, so that no reader sees a partial file.
 */
function writeDraft(file: string, state: DevState): string {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(state, undefined, 2)}\n`);
  return draft;
}

/** Returns false when `file` exists: unlike a rename, a link does not replace its target. */
function tryLink(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removes the state file of a dead supervisor and returns its content.
 * @throws AlreadyRunningError when the supervisor is alive
 */
function removeStale(file: string): DevState | undefined {
  const state = parseFile(file);
  if (state && isAlive(state.supervisor)) throw new AlreadyRunningError(state);
  const movedFile = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, movedFile);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const movedState = parseFile(movedFile);
    if (!movedState || !isAlive(movedState.supervisor)) return movedState;
    // Another supervisor has already replaced the stale file. The moved file is the lock of that supervisor, so
    // the link restores the file.
    tryLink(movedFile, file);
    throw new AlreadyRunningError(movedState);
  } finally {
    rmSync(movedFile, { force: true });
  }
}

function parseFile(file: string): DevState | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as DevState;
  } catch {
    return undefined;
  }
}
