import type { OutputStream } from '../../terminal/printer.js';

/** An output stream that keeps the written text. */
export class Recording implements OutputStream {
  text = '';

  constructor(readonly isTTY = false) {}

  write(text: string): void {
    this.text += text;
  }

  get lines(): string[] {
    return this.text.split('\n').filter((line) => line !== '');
  }
}
