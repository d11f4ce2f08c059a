import { expect } from 'chai';
import { pin } from './pin.js';

const commit = 'a'.repeat(40);
const other = 'c'.repeat(40);
const digest = `sha256:${'b'.repeat(64)}`;
const sources = { tags: () => ({ commit }), digests: () => Promise.resolve({ digest }) };

const cases: readonly (readonly [title: string, before: string, after: string])[] = [
  [
    'the tag of an action',
    'uses: owner/action/folder@v1.2.3',
    `uses: owner/action/folder@${commit} # v1.2.3`,
  ],
  ['an image in quotes', 'image: "grafana/loki:3.7.8"', `image: "grafana/loki:3.7.8@${digest}"`],
  [
    'a base image, and the label that names it',
    'FROM --platform=$BUILDPLATFORM node:26.1.0-alpine AS build\nLABEL base="docker.io/library/node:26.1.0-alpine"',
    `FROM --platform=$BUILDPLATFORM node:26.1.0-alpine@${digest} AS build\nLABEL base="docker.io/library/node:26.1.0-alpine@${digest}"`,
  ],
  [
    'tags with a common beginning',
    'image: a/b:1.2\nimage: a/b:1.2.3',
    `image: a/b:1.2@${digest}\nimage: a/b:1.2.3@${digest}`,
  ],
];

const unchanged = [
  `uses: owner/action@${commit} # v1.2.3`,
  `image: postgres:18.6@${digest}`,
  'uses: ./.github/workflows/deploy.yml',
  'FROM runtime AS x\nFROM $PROCESS',
  'image: order-processing/order-service:dev',
  'image: ${REGISTRY}a/b:${TAG}\nimage: *x',
];

describe('pin', () => {
  for (const [title, before, after] of cases)
    it(`pins ${title}`, async () => {
      expect((await pin(before, sources)).text).to.equal(after);
    });

  for (const text of unchanged)
    it(`does not change '${text.replaceAll('\n', ' ')}'`, async () => {
      expect(await pin(text, sources)).to.deep.equal({ text, changes: [], unreachable: [], alarms: [] });
    });

  it('reports, but does not change, a pinned commit without a comment that names its version', async () => {
    const { text, alarms } = await pin(`uses: owner/action@${other}`, sources);
    expect([text, alarms.length]).to.deep.equal([`uses: owner/action@${other}`, 1]);
  });
});
