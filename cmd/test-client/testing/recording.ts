import type { Output } from '../narrator.js';

/** An output that keeps what was written. */
export class Recording implements Output {
  text = '';

  constructor(readonly isTTY = false) {}

  write(text: string): void {
    this.text += text;
  }

  get lines(): string[] {
    return this.text.split('\n').filter((line) => line !== '');
  }
}
