//! Carries a plan out: the requests in order, ids learnt on the way. What is not allowed or fails does not keep the
//! rest from being done; the next run finds what is still missing.

use entragate::Secret;
use serde_json::Value;

use super::plan::{Action, Plan, Step, Task};
use super::receipt::Receipt;
use super::slot::{Ids, Slot, unknown_in};
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

/// Carries the plan out; `tell` hears of each step, and `receipt` of whatever is made.
pub async fn apply(
    graph: &Graph,
    plan: &Plan,
    receipt: &mut Receipt,
    tell: impl Fn(&Step, &Outcome),
) -> Applied {
    let mut applied = Applied { outcomes: Vec::new(), ids: plan.ids.clone(), secret: None };
    for step in &plan.steps {
        let outcome = match &step.request {
            None => Outcome::Kept,
            Some(request) => applied.send(graph, step, request, receipt).await,
        };
        tell(step, &outcome);
        applied.outcomes.push(outcome);
    }
    for (slot, part) in
        [(Slot::ApiAppId, super::wanted::Part::Api), (Slot::ClientAppId, super::wanted::Part::Client)]
    {
        if let Some(id) = applied.ids.get(slot) {
            receipt.set(part, id);
        }
    }
    applied
}

impl Applied {
    /// Whether everything is as it should be.
    pub fn is_fine(&self) -> bool {
        self.outcomes.iter().all(Outcome::is_fine)
    }

    async fn send(
        &mut self,
        graph: &Graph,
        step: &Step,
        request: &Request,
        receipt: &mut Receipt,
    ) -> Outcome {
        let request = Request {
            path: self.ids.fill(&request.path),
            body: request.body.as_ref().map(|body| self.ids.fill_value(body)),
            ..request.clone()
        };
        let body = request.body.as_ref().map(Value::to_string).unwrap_or_default();
        if !unknown_in(&request.path).is_empty() || !unknown_in(&body).is_empty() {
            return Outcome::Waiting;
        }
        match self.sent(graph, step, &request, receipt).await {
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
        // An upsert that found something says nothing about it.
        if answer.is_null() && request.prefer.is_some() {
            answer = graph.get(&request.path).await?;
        }
        for (slot, member) in &step.learns {
            if let Some(id) = answer[*member].as_str() {
                self.ids.learn(*slot, id);
            }
        }
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
