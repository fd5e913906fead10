binding.setHooks({
  main() {
    const text = 'hello from bootstrap ' + binding.process.argv.join() + '\n';
    const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
    binding.process.write(1, bytes);
  },
});
