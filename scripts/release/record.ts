import { readFileSync, writeFileSync } from 'node:fs';
import { DeployError } from '../deploy-k8s/kubectl.js';
import type { DeploymentObject } from './deployments.js';

/** @throws DeployError when the file cannot be written */
export function writeRecord(file: string, before: readonly DeploymentObject[]): void {
  try {
    writeFileSync(file, JSON.stringify(before));
  } catch (error) {
    throw unusable(file, error);
  }
}

/** @throws DeployError when the file is not there, or no release wrote it */
export function readRecord(file: string): DeploymentObject[] {
  const before = parse(file);
  if (Array.isArray(before)) return before as DeploymentObject[];
  throw unusable(file, new Error('no release wrote it'));
}

function parse(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw unusable(file, error);
  }
}

function unusable(file: string, error: unknown): DeployError {
  return new DeployError(`RELEASE_RECORD is ${file}, which cannot be used: ${(error as Error).message}`);
}
