import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Environment } from '../../pkg/config/index.js';
import { findOrInstall, folderOf } from '../tools/install.js';
import { placesOnPath } from '../tools/search-path.js';
import type { Found, Present, Tool } from './tool.js';

/** Finds a tool on the PATH or where it was installed before; or installs it. */
export function obtainTool(tool: Tool, env: Environment, say: (text: string) => void): Promise<Found> {
  return findOrInstall<Present>(tool, () => findOnPath(tool, env) ?? findInstalled(tool), say);
}

function findOnPath({ onPath }: Tool, env: Environment): Present | undefined {
  return onPath && findAll(onPath, (name) => placesOnPath(env, name));
}

function findInstalled(tool: Tool): Present | undefined {
  return findAll(tool.files, (name) => [path.join(folderOf(tool), name)]);
}

/** Undefined where one of them is missing. */
function findAll(names: readonly string[], placesOf: (name: string) => string[]): Present | undefined {
  const files = names.map((name) => [name, placesOf(name).find(existsSync)]);
  if (files.some(([, file]) => file === undefined)) return undefined;
  return { files: Object.fromEntries(files) as Record<string, string> };
}
