import { expect } from 'chai';
import { pin, type Sources } from './pin.js';

const commit = 'a'.repeat(40);
const digest = `sha256:${'b'.repeat(64)}`;
const known: Sources = { tags: () => ({ commit }), digests: () => Promise.resolve({ digest }) };
const nothing: Sources = {
  tags: () => ({ reason: 'no network' }),
  digests: () => Promise.resolve({ reason: 'no network' }),
};

describe('pin', () => {
  it('turns the tag of an action into its commit and keeps the tag as a comment', async () => {
    const { text, changes } = await pin('      - uses: owner/action/folder@v1.2.3\n', known);
    expect(text).to.equal(`      - uses: owner/action/folder@${commit} # v1.2.3\n`);
    expect(changes).to.have.length(1);
  });

  it('leaves what is pinned as it is', async () => {
    const pinned = `uses: owner/action@${commit} # v1.2.3\nimage: postgres:18.6@${digest}\n`;
    expect(await pin(pinned, known)).to.deep.equal({
      text: pinned,
      changes: [],
      unreachable: [],
      alarms: [],
    });
  });

  it('gives the alarm when a tag is no longer the commit that was pinned, and changes nothing', async () => {
    const moved = `uses: owner/action@${'c'.repeat(40)} # v1.2.3\n`;
    const { text, alarms } = await pin(moved, known);
    expect(text).to.equal(moved);
    expect(alarms).to.deep.equal([`owner/action v1.2.3 is ${commit} now, pinned is ${'c'.repeat(40)}`]);
  });

  it('gives the alarm when a commit does not say of which version it is', async () => {
    const { alarms } = await pin(`uses: owner/action@${commit}\n`, known);
    expect(alarms).to.have.length(1);
  });

  it('leaves actions of this repository alone', async () => {
    expect((await pin('uses: ./.github/workflows/deploy.yml\n', known)).changes).to.deep.equal([]);
  });

  it('adds digests to images in manifests and Dockerfiles, also where a label names them', async () => {
    const dockerfile =
      'FROM --platform=$BUILDPLATFORM node:26.1.0-alpine AS build\nLABEL base="docker.io/library/node:26.1.0-alpine"\n';
    const { text } = await pin(`${dockerfile}  image: "grafana/loki:3.7.8"\n`, known);
    expect(text.split(`@${digest}`)).to.have.length(4);
    expect(text).to.include(`node:26.1.0-alpine@${digest} AS build`);
    expect(text).to.include(`"grafana/loki:3.7.8@${digest}"`);
  });

  it('leaves our own images, stages and variables alone', async () => {
    const own =
      'FROM runtime AS x\nFROM $PROCESS\nimage: order-processing/order-service:dev\nimage: ${REGISTRY}a/b:${TAG}\nimage: *x\n';
    expect((await pin(own, known)).text).to.equal(own);
  });

  it('does not touch a longer tag that begins the same', async () => {
    const { text } = await pin('image: a/b:1.2\nimage: a/b:1.2.3\n', known);
    expect(text).to.equal(`image: a/b:1.2@${digest}\nimage: a/b:1.2.3@${digest}\n`);
  });

  it('says what could not be looked up, and leaves it', async () => {
    const text = 'uses: owner/action@v1.2.3\nimage: postgres:18.6\n';
    const result = await pin(text, nothing);
    expect(result.text).to.equal(text);
    expect(result.unreachable).to.deep.equal([
      'owner/action@v1.2.3: no network',
      'postgres:18.6: no network',
    ]);
  });
});
