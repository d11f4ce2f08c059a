import type { Mark, Narrator } from './narrator.js';
import { scenarios } from './scenarios/index.js';
import type { Scenario } from './scenarios/scenario.js';
import { Story, type Check, type Step } from './story.js';
import type { World } from './world.js';

export interface ScenarioResult {
  readonly number: number;
  readonly title: string;
  readonly status: Mark;
  /** Why it was skipped. */
  readonly skipped?: string;
  readonly durationMs: number;
  readonly steps: readonly Step[];
  readonly checks: readonly Check[];
}

/** Plays the scenarios one after the other; one that fails does not stop the others. */
export async function playScenarios(
  world: World,
  narrator: Narrator,
  program = scenarios,
): Promise<ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  for (const scenario of program) {
    narrator.block(`${scenario.number}. ${scenario.title}`);
    results.push(await playOne(world, narrator, scenario));
  }
  return results;
}

async function playOne(world: World, narrator: Narrator, scenario: Scenario): Promise<ScenarioResult> {
  const { number, title } = scenario;
  const story = new Story(narrator);
  const { steps, checks } = story;
  const skipped = scenario.unless?.(world);
  if (skipped !== undefined) {
    narrator.mark('skipped', `SKIPPED: ${skipped}`);
    return { number, title, status: 'skipped', skipped, durationMs: 0, steps, checks };
  }
  const started = performance.now();
  try {
    await scenario.play(world, story);
  } catch (error) {
    world.signal.throwIfAborted();
    story.broke(error);
  }
  const status = checks.every(({ passed }) => passed) ? 'passed' : 'failed';
  return { number, title, status, durationMs: performance.now() - started, steps, checks };
}
