import { readFileSync } from 'node:fs';

export const dockerfilePath = 'deployments/docker/Dockerfile';

/** One line of a Dockerfile, continuations joined. */
export interface Instruction {
  readonly name: string;
  /** Without `--flags`. */
  readonly text: string;
  readonly flags: Readonly<Record<string, string>>;
}

export interface Stage {
  readonly name: string;
  /** What it is built from: an image, or another stage. */
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

export interface Dockerfile {
  readonly stages: readonly Stage[];
  stage(name: string): Stage;
  /** The instructions of a stage and, before them, of those that it is built from, as far as they are stages. */
  lineage(name: string): Instruction[];
}

export function readDockerfile(): Dockerfile {
  const stages: { name: string; from: string; instructions: Instruction[] }[] = [];
  for (const instruction of instructionsOf(readFileSync(dockerfilePath, 'utf8'))) {
    if (instruction.name !== 'FROM') {
      stages.at(-1)?.instructions.push(instruction);
      continue;
    }
    const [from = '', , name = ''] = instruction.text.split(/\s+/);
    stages.push({ name, from, instructions: [] });
  }
  const find = (name: string): Stage | undefined => stages.find((stage) => stage.name === name);
  const lineage = (name: string): Instruction[] => {
    const stage = find(name);
    return stage ? [...lineage(stage.from), ...stage.instructions] : [];
  };
  return { stages, stage: (name) => find(name) ?? raise(`the Dockerfile has no stage '${name}'`), lineage };
}

function instructionsOf(text: string): Instruction[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return lines.join('\n').replaceAll(/\\\n/g, ' ').split('\n').map(parseInstruction);
}

function parseInstruction(line: string): Instruction {
  const [name = '', ...words] = line.trim().split(/\s+/);
  const flags: Record<string, string> = {};
  // A health check has a command behind its flags, a copy files.
  while (words[0]?.startsWith('--')) {
    const [flag = '', value = ''] = (words.shift() ?? '').slice(2).split('=', 2);
    flags[flag] = value;
  }
  return { name, text: words.join(' '), flags };
}

/** The last instruction of a name that holds in an image: later ones win. */
export function last(instructions: readonly Instruction[], name: string): Instruction {
  return instructions.findLast((one) => one.name === name) ?? raise(`the Dockerfile has no ${name}`);
}

/** @throws Error when it is the shell form, which needs a shell and hides signals from the process */
export function execForm({ name, text }: Instruction): string[] {
  const json = text.replace(/^CMD\s+/, '');
  if (!json.startsWith('[')) throw new Error(`${name} is in shell form: ${text}`);
  return JSON.parse(json) as string[];
}

/** What ENV sets in an image. */
export function environmentOf(instructions: readonly Instruction[]): Record<string, string> {
  const texts = instructions.filter(({ name }) => name === 'ENV').map(({ text }) => text);
  const pairs = texts.flatMap((text) => text.split(/\s+/).map((pair) => pair.split('=', 2)));
  return Object.fromEntries(pairs) as Record<string, string>;
}

function raise(message: string): never {
  throw new Error(message);
}
