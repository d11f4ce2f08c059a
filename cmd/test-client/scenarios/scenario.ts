import type { Story } from '../story.js';
import type { World } from '../world.js';

/** Something that happens to users, played for real. */
export interface Scenario {
  readonly number: number;
  readonly title: string;
  /** Why it cannot be played in this world; undefined: it can. */
  unless?(world: World): string | undefined;
  /** Plays it and checks each step; may throw when there is no way on. */
  play(world: World, story: Story): Promise<void>;
}
