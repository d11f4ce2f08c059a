import { pause } from '../../runtime/wait.js';

const limitMs = 15_000;

/** Waits until `condition` holds. @throws Error that names `what`, after fifteen seconds */
export async function waitFor(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${limitMs} ms in vain for ${what}`);
    await pause(5);
  }
}
