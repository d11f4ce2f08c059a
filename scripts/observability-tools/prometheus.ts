import { cpSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { buildGoProgram } from './go.js';
import { InstallError, TooLateError, type Tool, type Workshop } from './tool.js';

const goVersion = 'v0.315.0';
const programs = ['prometheus', 'promtool'];

/** Debian's package where there is one: it is there in seconds. Otherwise built from the Go module. */
export const prometheus: Tool = {
  name: 'prometheus',
  version: `debian-or-${goVersion}`,
  programs: { prometheus: 'PROMETHEUS_BIN', promtool: 'PROMTOOL_BIN' },
  addressVariable: 'PROMETHEUS_URL',
  isNeededAnyway: true,
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
  const { scratch, target, say } = workshop;
  say("looking for Debian's package");
  const apt = (args: readonly string[], limitMs: number) =>
    workshop.run({
      program: 'apt-get',
      args: ['-o', 'Acquire::Retries=1', '-o', 'Acquire::http::Timeout=15', ...args],
      limitMs,
      otherwise: `apt-get ${args.at(-1) ?? ''} failed`,
    });
  // The lists of the system may be missing or old, and are not ours to renew.
  const ownLists = ['-o', `Dir::State::lists=${path.join(scratch, 'lists')}`, '-o', `Dir::Cache=${scratch}`];
  const download = ['download', 'prometheus'];
  await apt(download, 60_000).catch(async (error: unknown) => {
    if (error instanceof TooLateError) throw error;
    await apt([...ownLists, 'update'], 60_000);
    await apt([...ownLists, ...download], 60_000);
  });
  const archive = readdirSync(scratch).find((name) => name.endsWith('.deb'));
  if (archive === undefined) throw new InstallError('apt-get downloaded nothing');
  const args = ['-x', path.join(scratch, archive), path.join(scratch, 'package')];
  await workshop.run({ program: 'dpkg', args, limitMs: 60_000, otherwise: 'dpkg failed' });
  for (const name of programs) cpSync(path.join(scratch, 'package/usr/bin', name), path.join(target, name));
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
