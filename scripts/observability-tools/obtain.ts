import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import type { Environment } from '../../pkg/config/index.js';
import { findOrInstall, folderOf } from '../tools/install.js';
import { placesOnPath } from '../tools/search-path.js';
import { InstallError } from '../tools/workshop.js';
import type { Found, Present, Tool } from './tool.js';

/** Finds the programs of a tool: named by variables, on the PATH, installed before; or installs them. */
export async function obtainTool(tool: Tool, env: Environment, say: (text: string) => void): Promise<Found> {
  const address = env[tool.addressVariable] ?? '';
  if (address !== '' && !tool.isNeededAnyway) return { programs: {}, address };
  return findOrInstall<Present>(withRemedies(tool), () => findPrograms(tool, env), say);
}

/** Whatever it is, variables may bring it. */
function withRemedies(tool: Tool): Tool {
  const variables = Object.values(tool.programs).join(' and ');
  return { ...tool, remedy: `${tool.remedy}; or ${variables}; or ${tool.addressVariable} of a running one` };
}

/** @throws InstallError when a variable names something that is no program */
function findPrograms(tool: Tool, env: Environment): Present | undefined {
  const found = Object.entries(tool.programs).map(([name, variable]) => {
    const given = env[variable] ?? '';
    if (given !== '' && !isProgram(given)) throw new InstallError(`${variable}=${given} is not a program`);
    const known = [...placesOnPath(env, tool.onPath?.[name] ?? name), path.join(folderOf(tool), name)];
    return [name, given === '' ? known.find(isProgram) : path.resolve(given)];
  });
  if (found.some(([, file]) => file === undefined)) return undefined;
  return { programs: Object.fromEntries(found) as Record<string, string> };
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
