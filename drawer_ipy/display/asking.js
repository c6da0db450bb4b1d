// Questions of a page to the kernel.

/**
 * Send `question`, and send it again after each of the `pauses` in milliseconds as long as `isAnswered` returns
 * false. The kernel may answer it more than once.
 *
 * ipykernel loses messages of a page that was just loaded, while it ends the subshell of a page that was left.
 */
export function sendUntilAnswered(model, question, isAnswered, pauses, later = setTimeout) {
  model.send(question);
  const [pause, ...rest] = pauses;
  if (pause === undefined) return;
  later(() => isAnswered() || sendUntilAnswered(model, question, isAnswered, rest, later), pause);
}
