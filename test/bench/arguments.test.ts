import { parseArguments } from '../../bench/arguments';

describe('the arguments of npm run bench', () => {
  it('have defaults', () => {
    expect(parseArguments([])).toMatchObject({ peers: false, repeats: 3, verifyReplay: 'off', logLevel: 'Warning' });
  });

  it('are read', () => {
    expect(
      parseArguments(['--peers', '--only', 'engine', '--repeats', '2', '--verify-replay', 'sample']),
    ).toMatchObject({
      peers: true,
      sections: ['engine'],
      repeats: 2,
      verifyReplay: 'sample',
    });
  });

  it('are refused with what was expected', () => {
    expect(() => parseArguments(['--repeats', 'many'])).toThrow(
      "--repeats: expected a whole number from 1 on, got 'many'",
    );
    expect(() => parseArguments(['--verify-replay', 'some'])).toThrow('expected all, sample, off');
    expect(() => parseArguments(['--peer'])).toThrow("Unknown option '--peer'");
  });
});
