// The Cancel button: a message first, then an interrupt of the kernel.

/** Milliseconds after which an unanswered Cancel becomes an interrupt. */
export const PATIENCE = 700;

/**
 * The two stages of Cancel: a message, and if there is no reply in time and the run is not over, an interrupt
 * of the kernel. It never interrupts after the run is over, when the kernel may run another cell.
 *
 * `send` and `interrupt` act (`interrupt` returns whether it could), `answered` and `over` return the state,
 * `later` is setTimeout, and `show` is called with "cancelling", "interrupting" or "stuck".
 */
export function makeCancel({ send, interrupt, answered, over, later, show }) {
  let asked = false;
  const settled = () => answered() || over();
  return () => {
    if (asked || over()) return;
    asked = true;
    show("cancelling");
    send();
    later(() => {
      // A busy page may run its timers before it handles messages that have arrived; so check again.
      if (!settled()) later(() => {
        if (settled()) return;
        const could = interrupt();
        asked = could;
        show(could ? "interrupting" : "stuck");
      }, 60);
    }, PATIENCE);
  };
}
