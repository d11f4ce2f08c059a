import {
  accessSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { loadEnvironment, type Environment } from '../../../pkg/config/index.js';
import { InstallError, runCommand, type Command } from './run-command.js';

/** This folder contains one folder `<name>-<version>` for each tool. */
export const toolsFolder = path.resolve('.tools');
const inventoryFile = path.join(toolsFolder, 'inventory.json');

/** Folders, version and functions of one installation. */
export interface InstallContext {
  /** Folder for the files of the tool. */
  readonly target: string;
  /** Empty folder for intermediate files. */
  readonly scratch: string;
  readonly version: string;
  say(message: string): void;
  /** @throws InstallError when the command fails or exceeds its limit */
  run(command: Command): Promise<string>;
}

/** A way to get a tool: a Go module, a Debian package, … */
export interface Source {
  /** Names of the files that `install` puts into `InstallContext.target`. */
  readonly files: readonly string[];
  /** Requirements of the installation. The output shows them when the tool is unavailable. */
  readonly remedy: string;
  /** @throws InstallError */
  install(context: InstallContext): Promise<void>;
}

export interface Tool {
  readonly name: string;
  /** Part of the name of the tool's folder, so that a new version causes an installation. */
  readonly version: string;
  readonly source: Source;
  /** Whether programs on the PATH make the installation unnecessary. */
  readonly onPath?: boolean;
}

/** Absolute path of each file of a tool. */
export interface Present {
  readonly files: Readonly<Record<string, string>>;
}

export interface Unavailable {
  readonly reason: string;
  readonly remedy: string;
}

export type Found = Present | Unavailable;
export type Inventory = Partial<Readonly<Record<string, Found>>>;

/** Reads the result of the last call of `findOrInstall` for each tool. */
export function readInventory(): Inventory {
  try {
    return JSON.parse(readFileSync(inventoryFile, 'utf8')) as Inventory;
  } catch {
    return {};
  }
}

/** Writes entries of the inventory, and keeps the entries of other tools. */
export function addToInventory(found: Inventory): void {
  mkdirSync(toolsFolder, { recursive: true });
  writeFileSync(inventoryFile, `${JSON.stringify({ ...readInventory(), ...found }, undefined, 2)}\n`);
}

/** Finds the files of a tool. Installs the tool if a file is missing. */
export async function findOrInstall(
  tool: Tool,
  say: InstallContext['say'],
  env: Environment = loadEnvironment(),
): Promise<Found> {
  try {
    const found = find(tool, env) ?? (await install(tool, say), find(tool, env));
    if (found) return found;
    throw new InstallError(`the installation left ${folderOf(tool)} incomplete`);
  } catch (error) {
    if (!(error instanceof InstallError)) throw error;
    const variables = tool.onPath ? `, or ${tool.source.files.map(variableOf).join(' and ')}` : '';
    return { reason: error.message, remedy: `${tool.source.remedy}${variables}` };
  }
}

/** Returns the variable for the path of an installed program: `PROMETHEUS_BIN` for `prometheus`. */
function variableOf(file: string): string {
  return `${file.toUpperCase().replaceAll('-', '_')}_BIN`;
}

function find(tool: Tool, env: Environment): Present | undefined {
  const found = tool.source.files.map((name) => {
    const given = env[variableOf(name)] ?? '';
    if (given !== '' && !exists(given))
      throw new InstallError(`${variableOf(name)}=${given} is not a program`);
    if (given !== '') return [name, path.resolve(given)];
    const onPath = tool.onPath ? (env['PATH'] ?? '').split(path.delimiter) : [];
    const places = [...onPath.filter((folder) => folder !== ''), folderOf(tool)];
    return [name, places.map((folder) => path.join(folder, name)).find(exists)];
  });
  if (found.some(([, file]) => file === undefined)) return undefined;
  return { files: Object.fromEntries(found) as Record<string, string> };
}

function exists(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

export function folderOf({ name, version }: Pick<Tool, 'name' | 'version'>): string {
  return path.join(toolsFolder, `${name}-${version}`);
}

/** Installs into a scratch folder and renames that folder at the end, so that a failure leaves no partial installation. */
async function install(tool: Tool, say: InstallContext['say']): Promise<void> {
  const { name, version } = tool;
  const scratch = path.join(toolsFolder, 'scratch', name);
  const log = path.join(toolsFolder, `${name}.log`);
  const target = path.join(scratch, 'target');
  for (const stale of [log, scratch]) rmSync(stale, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  try {
    const run = (command: Command) => runCommand({ cwd: scratch, ...command }, { log, say });
    await tool.source.install({ scratch, target, version, say, run });
    for (const entry of readdirSync(toolsFolder))
      if (entry.startsWith(`${name}-`))
        rmSync(path.join(toolsFolder, entry), { recursive: true, force: true });
    renameSync(target, folderOf(tool));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
