// Messages of the view to the kernel.

/**
 * Returns a function that sends a message to the kernel of `model`: over the model's comm, or on the channel that the
 * model names. A kernel in the browser reads no comm while a cell runs (see page_channel.py).
 */
export function teller(model) {
  return (message) => {
    const name = model.get("channel");
    if (!name) return model.send(message);
    // What was posted arrives even though the channel is closed.
    const channel = new BroadcastChannel(name);
    channel.postMessage(message);
    channel.close();
  };
}
