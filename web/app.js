// app.js - the frame: navigation, and the page that the address names.
import { Component, render } from "/vendor/preact.mjs";
import { html } from "/api.js";
import Alert from "/pages/alert.js";
import Home from "/pages/home.js";
import Logs from "/pages/logs.js";
import Notifications from "/pages/notifications.js";
import Silences from "/pages/silences.js";
import Slos from "/pages/slos.js";
import { Trace, Traces } from "/pages/traces.js";
import Why from "/pages/why.js";

// A page that is fetched when somebody first wants it: it brings a library along that is larger than all the rest.
const later = (load) => class extends Component {
  componentDidMount() { load().then((module) => this.setState({ Page: module.default }), (e) => this.setState({ problem: e.message })); }
  render(_, { Page, problem }) { return Page ? html`<${Page}/>` : problem && html`<p class="problem" role="alert">${problem}</p>`; }
};
const Explore = later(() => import("/pages/explore.js"));
const Golden = later(() => import("/pages/golden.js"));
const Slo = later(() => import("/pages/slo.js"));
const Changes = later(() => import("/pages/changes.js"));
const Checks = later(() => import("/pages/checks.js"));

const pages = { home: Home, explore: Explore, golden: Golden, changes: Changes, logs: Logs, traces: Traces, trace: Trace, alert: Alert, checks: Checks, notifications: Notifications, silences: Silences, why: Why,
  slos: Slos, slo: Slo };
const single = ["trace", "alert", "checks", "notifications", "silences", "why", "golden", "slo"]; // what they show stands behind their name
const links = [["home", "Now"], ["notifications", "Messages"], ["silences", "Silences"], ["why", "Why?"], ["checks", "Checks"], ["golden", "Services"], ["slos", "SLOs"], ["changes", "Changes"], ["explore", "Explore"], ["logs", "Logs"],
  ["traces", "Traces"]];

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
