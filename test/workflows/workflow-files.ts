import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

export interface Step {
  readonly id?: string;
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, unknown>>;
}

export interface Job {
  readonly uses?: string;
  readonly 'timeout-minutes'?: number;
  readonly strategy?: { readonly matrix?: Readonly<Record<string, unknown>> };
  readonly steps?: readonly Step[];
  readonly needs?: string | readonly string[];
  readonly if?: string;
}

export interface Workflow {
  readonly file: string;
  readonly text: string;
  readonly on: Readonly<Record<string, unknown>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const folder = '.github/workflows';

export function workflows(): Workflow[] {
  return readdirSync(folder).map((name) => {
    const file = path.join(folder, name);
    const text = readFileSync(file, 'utf8');
    return Object.assign(parse(text) as Omit<Workflow, 'file' | 'text'>, { file, text });
  });
}

export interface LocalAction {
  readonly file: string;
  readonly text: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly steps: readonly Step[];
}

/** Returns the composite actions of this repository. */
export function localActions(): LocalAction[] {
  const root = '.github/actions';
  return readdirSync(root).map((name) => {
    const file = path.join(root, name, 'action.yml');
    const text = readFileSync(file, 'utf8');
    const { inputs = {}, runs } = parse(text) as {
      readonly inputs?: LocalAction['inputs'];
      readonly runs: Pick<LocalAction, 'steps'>;
    };
    return { file, text, inputs, steps: runs.steps };
  });
}

export function workflow(name: string): Workflow {
  const found = workflows().find(({ file }) => file === path.join(folder, `${name}.yml`));
  if (!found) throw new Error(`there is no workflow ${name}`);
  return found;
}

export function jobsOf({ file, jobs }: Workflow): { readonly title: string; readonly job: Job }[] {
  return Object.entries(jobs).map(([name, job]) => ({ title: `${file}, job ${name}`, job }));
}

/** Returns all steps of all workflows and local actions. */
export function allSteps(): { readonly title: string; readonly step: Step }[] {
  const inJobs = workflows()
    .flatMap(jobsOf)
    .flatMap(({ title, job }) => (job.steps ?? []).map((step) => ({ title, step })));
  const inActions = localActions().flatMap(({ file, steps }) => steps.map((step) => ({ title: file, step })));
  return [...inJobs, ...inActions];
}
