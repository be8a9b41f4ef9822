/**
 * How long a test waits for a state that will come before it says that it never did. It is no promise of speed: a machine may have other
 * things to do, and a test that gives up early fails for that alone.
 */
export const patienceMs = 60_000;
