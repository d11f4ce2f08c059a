import { every } from '../runtime/wait.js';
import type { TlsFiles } from './tls-config.js';
import {
  isSameMaterial,
  readMaterial,
  verifyMaterial,
  type TlsMaterial,
  type TlsValidity,
} from './tls-material.js';

/** Kubernetes brings a new secret to its files within a minute or so; this adds little. Milliseconds. */
const defaultIntervalMs = 5000;

export interface WatchOptions {
  readonly files: TlsFiles;
  /** The files hold something new that can be used. */
  readonly onChange: (material: TlsMaterial, validity: TlsValidity) => void;
  /** The files hold, or one is, what cannot be used: told once until that changes. */
  readonly onProblem: (problem: string) => void;
  readonly intervalMs?: number;
}

/**
 * Reads the files again and again from `current` on. By content: a mounted secret changes by a swap of
 * links, which file events miss. Files are seldom written all at once, so a problem counts from its second
 * sight on.
 */
export function watchMaterial(current: TlsMaterial, options: WatchOptions): { close(): Promise<void> } {
  let inUse = current;
  let doubt = { problem: '', sights: 0 };
  const look = async (): Promise<void> => {
    const found = await readMaterial(options.files);
    if (isSameMaterial(found, inUse)) return;
    const validity = verifyMaterial(found, Date.now());
    inUse = found;
    options.onChange(found, validity);
  };
  const task = async (): Promise<void> => {
    await look();
    doubt = { problem: '', sights: 0 };
  };
  const onError = (error: unknown): void => {
    const problem = error instanceof Error ? error.message : String(error);
    doubt = { problem, sights: problem === doubt.problem ? doubt.sights + 1 : 1 };
    if (doubt.sights === 2) options.onProblem(problem);
  };
  return every(options.intervalMs ?? defaultIntervalMs, task, onError);
}
