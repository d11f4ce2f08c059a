import { expect } from 'chai';
import { OutlierDetection, type Evidence } from './outlier-detection.js';

const limits = { silenceMs: 1000, maxUnanswered: 3, baseEjectionMs: 15_000, maxEjectionMs: 60_000 };

describe('OutlierDetection', () => {
  let now: number;
  let detection: OutlierDetection;

  beforeEach(() => {
    now = 1_000_000;
    detection = new OutlierDetection(limits, () => now);
    detection.setAddresses(['a', 'b']);
  });

  const call = (address: string, durationMs: number, evidence: Evidence): boolean => {
    detection.callStarted(address);
    now += durationMs;
    return detection.callEnded(address, evidence);
  };

  it('treats an address as silent while a call waits without an answer', () => {
    detection.callStarted('a');
    expect(detection.isSilent('a')).to.equal(false);
    now += 1000;
    expect(detection.isSilent('a')).to.equal(true);
    expect(detection.isSilent('b')).to.equal(false);
    detection.callEnded('a', 'answered');
    expect(detection.isSilent('a')).to.equal(false);
  });

  it('does not treat an address as silent while it answers other calls', () => {
    detection.callStarted('a');
    for (let answers = 0; answers < 10; answers += 1) call('a', 500, 'answered');
    expect(detection.isSilent('a')).to.equal(false);
  });

  it('ejects an address at the first timeout after a silence', () => {
    expect(call('a', 3000, 'unanswered')).to.equal(true);
    expect(detection.isEjected('a')).to.equal(true);
    expect(detection.nextReturnMs()).to.equal(15_000);
  });

  it('ejects an address after consecutive short timeouts', () => {
    const ejections = [1, 2, 3].map(() => call('a', 100, 'unanswered'));
    expect(ejections).to.deep.equal([false, false, true]);
  });

  it('does not eject an address that answers between timeouts', () => {
    for (let round = 0; round < 20; round += 1) {
      expect(call('a', 100, 'unanswered')).to.equal(false);
      expect(call('a', 100, 'unanswered')).to.equal(false);
      call('a', 1, 'answered');
    }
  });

  it('does not eject an address for cancelled calls', () => {
    for (let calls = 0; calls < 10; calls += 1) expect(call('a', 5000, 'none')).to.equal(false);
  });

  it('ejects at most half of the addresses', () => {
    expect(call('a', 3000, 'unanswered')).to.equal(true);
    expect(call('b', 3000, 'unanswered')).to.equal(false);
    detection.setAddresses(['c']);
    expect(call('c', 3000, 'unanswered')).to.equal(false);
  });

  it('doubles the ejection time up to its maximum, and starts again after a long time without an ejection', () => {
    const times = [1, 2, 3, 4].map(() => {
      call('a', 3000, 'unanswered');
      const ms = detection.nextReturnMs() ?? 0;
      now += ms;
      return ms;
    });
    expect(times).to.deep.equal([15_000, 30_000, 60_000, 60_000]);
    now += 60_000;
    call('a', 3000, 'unanswered');
    expect(detection.nextReturnMs()).to.equal(15_000);
  });

  it('keeps the ejection of an address that is resolved again', () => {
    call('a', 3000, 'unanswered');
    detection.setAddresses(['b', 'a']);
    expect(detection.isEjected('a')).to.equal(true);
  });

  it('readmits all addresses on request', () => {
    call('a', 3000, 'unanswered');
    expect(detection.readmitAll()).to.equal(true);
    expect(detection.isEjected('a')).to.equal(false);
    expect(detection.readmitAll()).to.equal(false);
  });
});
