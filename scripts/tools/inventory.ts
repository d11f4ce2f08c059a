import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { toolsFolder } from './install.js';

/** What was found of each tool that was looked for. */
export type Inventory<Name extends string, Found> = Partial<Readonly<Record<Name, Found>>>;

/** A file that remembers what was found last. */
export class InventoryFile<Name extends string, Found> {
  private readonly file: string;

  constructor(name: string) {
    this.file = path.join(toolsFolder, name);
  }

  read(): Inventory<Name, Found> {
    try {
      return JSON.parse(readFileSync(this.file, 'utf8')) as Inventory<Name, Found>;
    } catch {
      return {};
    }
  }

  /** Tools that were not looked for this time stay as they were. */
  add(found: Inventory<Name, Found>): void {
    mkdirSync(toolsFolder, { recursive: true });
    writeFileSync(this.file, `${JSON.stringify({ ...this.read(), ...found }, undefined, 2)}\n`);
  }
}
