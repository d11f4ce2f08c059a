import { cpSync } from 'node:fs';
import path from 'node:path';
import { unpackDebianPackages } from '../tools/debian.js';
import { buildGoProgram, goRemedy } from '../tools/go.js';
import { InstallError, type Workshop } from '../tools/workshop.js';
import type { Tool } from './tool.js';

const goVersion = 'v0.315.0';
const programs = ['prometheus', 'promtool'];

/** Debian's package where there is one: it is there in seconds. Otherwise built from the Go module. */
export const prometheus: Tool = {
  name: 'prometheus',
  version: `debian-or-${goVersion}`,
  programs: { prometheus: 'PROMETHEUS_BIN', promtool: 'PROMTOOL_BIN' },
  addressVariable: 'PROMETHEUS_URL',
  isNeededAnyway: true,
  remedy: `Debian's package prometheus, or ${goRemedy}`,
  install: async (workshop) => {
    try {
      await unpackDebianPackage(workshop);
    } catch (error) {
      if (!(error instanceof InstallError)) throw error;
      workshop.say(`not from Debian: ${error.message.split(' (', 1)[0] ?? ''}`);
      await buildFromModule(workshop);
    }
  },
};

async function unpackDebianPackage(workshop: Workshop): Promise<void> {
  workshop.say("looking for Debian's package");
  const folder = await unpackDebianPackages(workshop, ['prometheus']);
  for (const name of programs) cpSync(path.join(folder, 'usr/bin', name), path.join(workshop.target, name));
}

function buildFromModule(workshop: Workshop): Promise<void> {
  return buildGoProgram(workshop, {
    module: 'github.com/prometheus/prometheus',
    version: goVersion,
    packages: Object.fromEntries(programs.map((name) => [name, `./cmd/${name}`])),
    // Targets are found by address and by DNS: no clouds are asked.
    tags: 'remove_all_sd,enable_dns_sd',
  });
}
