// app.js - the frame: navigation, and the page that the address names.
import { Component, render } from "/vendor/preact.mjs";
import { html } from "/api.js";
import Alert from "/pages/alert.js";
import Home from "/pages/home.js";
import Explore from "/pages/explore.js";
import Logs from "/pages/logs.js";
import Notifications from "/pages/notifications.js";
import Silences from "/pages/silences.js";
import { Trace, Traces } from "/pages/traces.js";

const pages = { home: Home, explore: Explore, logs: Logs, traces: Traces, trace: Trace, alert: Alert, notifications: Notifications, silences: Silences };
const single = ["trace", "alert", "notifications", "silences"]; // what they show stands behind their name
const links = [["home", "Now"], ["notifications", "Messages"], ["silences", "Silences"], ["explore", "Explore"], ["logs", "Logs"], ["traces", "Traces"]];

class App extends Component {
  go = () => this.setState({ hash: location.hash });
  componentDidMount() { addEventListener("hashchange", this.go); }
  render(_, { hash = location.hash }) {
    const here = hash.slice(1).split("?")[0] || "home", Page = pages[here] || Home;
    return html`<header><span class="name"><img src="/icon.svg" alt=""/>moonwatch</span>
      <nav aria-label="pages">${links.map(([id, text]) => html`<a href=${"#" + id} aria-current=${id === here ? "page" : undefined}>${text}</a>`)}</nav></header>
      <main><${Page} key=${single.includes(here) ? hash : here}/></main>`;
  }
}

render(html`<${App}/>`, document.getElementById("app"));
