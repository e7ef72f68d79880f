//! Carries a plan out: the requests in order, ids learnt on the way. What is not allowed or fails does not keep the
//! rest from being done; the next run finds what is still missing.

use entragate::Secret;
use serde_json::Value;

use super::intent::{Intent, redirects_added};
use super::plan::{Action, Plan, Step, Task};
use super::receipt::Receipt;
use super::slot::{Ids, unknown_in};
use crate::graph::objects::NewPassword;
use crate::graph::{Graph, GraphError, Request};

/// How a step ended.
#[derive(Debug)]
pub enum Outcome {
    /// There was nothing to do.
    Kept,
    /// It is done.
    Done,
    /// Whoever asked may not do it.
    Denied(GraphError),
    /// It failed.
    Failed(GraphError),
    /// It needs an id that an earlier step did not bring.
    Waiting,
}

impl Outcome {
    /// Its name in `--json`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Done => "done",
            Self::Denied(_) => "denied",
            Self::Failed(_) => "failed",
            Self::Waiting => "waiting",
        }
    }

    /// Whether Graph has said that it did nothing. Without an answer, or with one of a server in trouble, nobody knows.
    fn is_refusal(&self) -> bool {
        let (Self::Denied(error) | Self::Failed(error)) = self else { return false };
        error.as_refused().is_some_and(|refused| refused.status.is_client_error())
    }

    /// Whether nothing is left to do.
    pub const fn is_fine(&self) -> bool {
        matches!(self, Self::Kept | Self::Done)
    }
}

/// What came of a plan.
#[derive(Debug)]
pub struct Applied {
    /// One outcome for each step.
    pub outcomes: Vec<Outcome>,
    /// Every id that is known now.
    pub ids: Ids,
    /// The client secret, if one was made. Nobody will tell it again.
    pub secret: Option<Secret>,
}

/// Carries the plan out; `tell` hears of each step, and `receipt` of whatever is about to be made, and is. `keep` puts that
/// where it outlives this process before each request and after it; if it cannot, nothing more is made.
pub async fn apply<E>(
    graph: &Graph,
    plan: &Plan,
    receipt: &mut Receipt,
    mut keep: impl FnMut(&Receipt, &Applied) -> Result<(), E>,
    tell: impl Fn(&Step, &Outcome),
) -> Result<Applied, E> {
    let mut applied = Applied { outcomes: Vec::new(), ids: plan.ids.clone(), secret: None };
    receipt.note_apps(&applied.ids);
    for step in &plan.steps {
        let outcome = match &step.request {
            None => Outcome::Kept,
            Some(request) => match applied.filled(request) {
                None => Outcome::Waiting,
                Some(request) => {
                    let intents = Intent::of(step, &request);
                    let fresh = receipt.intend(&intents);
                    if !fresh.is_empty() {
                        keep(receipt, &applied)?;
                    }
                    let outcome = applied.send(graph, step, &request, receipt).await;
                    match &outcome {
                        Outcome::Done => receipt.forget(&intents),
                        // Of one that an earlier run asked for, this refusal may be the proof.
                        outcome if outcome.is_refusal() => receipt.forget(&fresh),
                        _ => {}
                    }
                    outcome
                }
            },
        };
        receipt.note_apps(&applied.ids);
        let is_new = matches!(outcome, Outcome::Done) && step.action != Action::Remove;
        let kept = if is_new { keep(receipt, &applied) } else { Ok(()) };
        tell(step, &outcome);
        applied.outcomes.push(outcome);
        kept?;
    }
    Ok(applied)
}

impl Applied {
    /// Whether everything is as it should be.
    pub fn is_fine(&self) -> bool {
        self.outcomes.iter().all(Outcome::is_fine)
    }

    /// The request with every id; `None` while one is not known.
    fn filled(&self, request: &Request) -> Option<Request> {
        let request = Request {
            path: self.ids.fill(&request.path),
            body: request.body.as_ref().map(|body| self.ids.fill_value(body)),
            ..request.clone()
        };
        let body = request.body.as_ref().map(Value::to_string).unwrap_or_default();
        (unknown_in(&request.path).is_empty() && unknown_in(&body).is_empty()).then_some(request)
    }

    async fn send(
        &mut self,
        graph: &Graph,
        step: &Step,
        request: &Request,
        receipt: &mut Receipt,
    ) -> Outcome {
        match self.sent(graph, step, request, receipt).await {
            Ok(()) => Outcome::Done,
            // What is to be removed is gone.
            Err(error) if step.action == Action::Remove && error.is_not_found() => Outcome::Done,
            Err(error) if error.is_denied() => Outcome::Denied(error),
            Err(error) => Outcome::Failed(error),
        }
    }

    async fn sent(
        &mut self,
        graph: &Graph,
        step: &Step,
        request: &Request,
        receipt: &mut Receipt,
    ) -> Result<(), GraphError> {
        let mut answer = if step.action == Action::Remove {
            graph.send_once(request).await?
        } else {
            graph.send(request).await?
        };
        // An upsert that found something says nothing about it: somebody else was quicker.
        if answer.is_null() && request.prefer.is_some() {
            answer = graph.get(&request.path).await?;
        } else if let (Task::Application { .. }, Action::Create, Some(id)) =
            (&step.task, step.action, answer["appId"].as_str())
        {
            receipt.note_created(id);
        }
        for (slot, member) in &step.learns {
            if let Some(id) = answer[*member].as_str() {
                self.ids.learn(*slot, id);
            }
        }
        receipt.redirect_uris.extend(redirects_added(step));
        if step.action == Action::Create {
            self.note(step, answer, receipt);
        }
        Ok(())
    }

    fn note(&mut self, step: &Step, answer: Value, receipt: &mut Receipt) {
        let id = answer["id"].as_str().map(str::to_owned);
        match step.task {
            Task::Consent { .. } => receipt.grants.extend(id),
            Task::Assignment { .. } => receipt.assignments.extend(id),
            Task::Federation => receipt.federated.extend(id),
            Task::Certificate { ref thumbprint } => receipt.certificates.push(thumbprint.clone()),
            Task::Secret => {
                if let Ok(password) = serde_json::from_value::<NewPassword>(answer) {
                    receipt.secrets.push(password.key_id);
                    self.secret = Some(password.secret_text);
                }
            }
            _ => {}
        }
    }
}
