// Runs one client: `main.js NAME JSON`, JSON being where the servers are.

const [, , name, servers] = process.argv;

require(`./clients/${name}.js`)(JSON.parse(servers)).then(
  () => console.log('works'),
  (error) => {
    console.error(error);
    process.exitCode = 1;
  },
);
